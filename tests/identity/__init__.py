"""Identity: which account of ours the accounts of other systems are."""
