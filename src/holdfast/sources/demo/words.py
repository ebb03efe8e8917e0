"""Word lists of the demo world. All invented; any likeness to a real company or person is accident."""

from __future__ import annotations

INDUSTRIES = (
    "Logistics", "Software", "Retail", "Healthcare", "Education", "Construction", "Finance", "Media",
)
CHANNELS = ("search", "referral", "partner", "event", "outbound")
#: country, region, currency, share of accounts
COUNTRIES = (
    ("United States", "Americas", "USD", 0.46), ("Canada", "Americas", "USD", 0.08),
    ("Australia", "APAC", "USD", 0.06), ("United Kingdom", "EMEA", "GBP", 0.15),
    ("Germany", "EMEA", "EUR", 0.10), ("France", "EMEA", "EUR", 0.07), ("Netherlands", "EMEA", "EUR", 0.05),
    ("Ireland", "EMEA", "EUR", 0.03),
)

HEADS = (
    "Alder", "Amber", "Arrow", "Basalt", "Beacon", "Birch", "Bramble", "Brine", "Calder", "Cedar", "Cinder",
    "Clover", "Copper", "Coral", "Cove", "Crane", "Delta", "Dune", "Ember", "Fable", "Fern", "Finch", "Flint",
    "Gable", "Glade", "Granite", "Gull", "Harbor", "Hazel", "Heron", "Ivory", "Juniper", "Kestrel", "Lantern",
    "Larch", "Linden", "Lumen", "Maple", "Marsh", "Meadow", "Mica", "Nettle", "North", "Oak", "Onyx", "Opal",
    "Orchard", "Otter", "Pebble", "Pine", "Plover", "Quill", "Raven", "Reed", "Ridge", "Saffron", "Sable",
    "Tallow", "Thistle", "Willow",
)
TAILS = (
    "acre", "bank", "beam", "bell", "bend", "borough", "bridge", "brook", "burn", "cast", "cliff", "craft",
    "crest", "croft", "dale", "den", "field", "fold", "ford", "forge", "gate", "grove", "ham", "haven",
    "hill", "holm", "hurst", "keep", "land", "leaf", "ley", "line", "lock", "loom", "mark", "mead", "mere",
    "mill", "moor", "mount", "nest", "path", "peak", "pier", "point", "quay", "reach", "rise", "shore",
    "side", "spring", "stead", "stone", "thorpe", "vale", "view", "wall", "wick", "wood", "yard",
)
#: by industry
ENDINGS = (
    ("Freight", "Haulage", "Shipping", "Cargo"), ("Software", "Systems", "Labs", "Digital"),
    ("Stores", "Outfitters", "Goods", "Trading"), ("Clinics", "Care", "Health", "Dental"),
    ("Schools", "Learning", "Academy", "Training"), ("Builders", "Construction", "Roofing", "Works"),
    ("Capital", "Advisers", "Insurance", "Lending"), ("Press", "Pictures", "Studios", "Radio"),
)

FIRST_NAMES = (
    "Ada", "Amir", "Anouk", "Bela", "Bruno", "Carmen", "Chidi", "Clara", "Dario", "Edda", "Elif", "Emil",
    "Farah", "Femi", "Greta", "Hana", "Hugo", "Ines", "Ivo", "Jana", "Jonas", "Kaia", "Kofi", "Lena", "Luca",
    "Maren", "Mateo", "Mina", "Nadia", "Nils", "Noor", "Olga", "Omar", "Petra", "Priya", "Rafael", "Runa",
    "Samir", "Tove", "Yuki",
)
LAST_NAMES = (
    "Abara", "Aldous", "Amsel", "Arden", "Banik", "Bergo", "Brandel", "Calvo", "Corvin", "Dahlin", "Demir",
    "Dorsey", "Eklund", "Fabri", "Farrow", "Galdos", "Girard", "Haldane", "Hirata", "Ibsen", "Jarvi", "Kader",
    "Kessler", "Kovar", "Lagos", "Lindqvist", "Lorca", "Maduro", "Marek", "Mbeki", "Moreau", "Nadler",
    "Nakano", "Novak", "Okafor", "Orlov", "Palmer", "Pereira", "Quist", "Rahimi", "Renner", "Rossi",
    "Sandoval", "Sato", "Silva", "Tanaka", "Udo", "Varga", "Weiss", "Zeman",
)
#: by role: champion, sponsor, admin, user, billing
TITLES = (
    ("Head of Operations", "Operations Manager", "Programme Manager", "Team Lead"),
    ("Chief Operating Officer", "Vice President Operations",
     "Managing Director", "Chief Information Officer"),
    ("Systems Administrator", "IT Manager", "Application Owner", "Platform Engineer"),
    ("Coordinator", "Analyst", "Planner", "Specialist"),
    ("Accountant", "Accounts Payable Clerk", "Finance Manager", "Controller"),
)
DEPARTMENTS = ("Operations", "Executive", "IT", "Operations", "Finance")

#: ticket topics: subject, what happened, what it stops
TOPICS = (
    ("Export stops half-way", "The export of {what} ends after a few hundred rows.",
     "We need the full list for month-end."),
    ("Cannot invite a colleague", "The invitation for {what} never arrives.",
     "Two people are waiting to start."),
    ("Report shows wrong total", "The total of {what} differs from the lines below it.",
     "I cannot hand this to my manager."),
    ("Sign-in loops", "After signing in to {what} we land on the sign-in page again.",
     "Half the team is locked out."),
    ("Question about our invoice", "The invoice for {what} is higher than we expected.",
     "Please explain before we pay."),
    ("Slow pages since this morning", "Opening {what} takes almost a minute.",
     "People have gone back to spreadsheets."),
    ("How do we set permissions", "We want some people to read {what} but not change it.",
     "Is there a guide for this?"),
    ("Import refuses our file", "Importing {what} ends with a message we do not understand.",
     "The old system closes on Friday."),
    ("Webhook arrives twice", "Each change of {what} reaches us two times.", "Our stock counts are off."),
    ("Mobile view cuts off columns", "On a phone {what} hides the last columns.",
     "Drivers cannot see the address."),
    ("Please add a field", "We would like one more field on {what}.", "Today we keep it in the notes."),
    ("Data missing after the update", "Since the update {what} has gaps.", "We have an audit next week."),
)
BUG_TOPIC = 11
OBJECTS = (
    "the weekly plan", "the delivery board", "the customer list", "the shift calendar", "the order history",
    "the cost overview", "the shared dashboard", "the approval queue",
)
OPENERS = ("Hello,", "Hi team,", "Good morning,", "Dear support,", "Hi,")
CLOSERS = ("Thanks for a quick answer.", "Please call if anything is unclear.", "Best regards.",
           "We would like to keep using this.", "This is the second time.")

PRAISE = ("Does what we need and support is quick.", "The team plans its whole week in it.",
          "Easy to explain to new people.", "Saved us a day a week.")
NEUTRAL = ("Good, but reports could be faster.", "Fine for what we do.", "Some parts we never use.")
BLAME = ("Too many small errors lately.", "Nobody here owns it any more.", "We pay for seats nobody uses.",
         "Support took too long.")
TOUCH_SUBJECTS = ("Check-in", "Quarterly review", "Answer to a question", "Training session", "Renewal talk")
FEATURES = ("boards", "reports", "imports", "api", "automations")
