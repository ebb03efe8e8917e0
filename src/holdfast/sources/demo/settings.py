"""The numbers the demo world obeys, calibrated so that `truths.toml` holds; see tests/demo.

Tuples are by segment: SMB, mid-market, enterprise.
"""

from __future__ import annotations

import numpy as np

PLANS = ("Starter", "Team", "Business", "Enterprise")
#: Share of each plan by segment.
PLAN_SHARE = np.array([[0.45, 0.40, 0.15, 0.0], [0.0, 0.35, 0.50, 0.15], [0.0, 0.0, 0.25, 0.75]])
SLOTS = 7
MAIN, ANALYTICS, SSO, API, METERED, SECOND, RETURN = range(SLOTS)
PRODUCTS = ("tideline", "analytics", "sso", "api", "api-calls", "relay", "tideline")
#: Which subscription of the account an item belongs to.
SUBSCRIPTION = b"aaaaabc"

# --- size and term ------------------------------------------------------------------------------------------
MEAN_MRR = np.array([300.0, 2_000.0, 12_000.0])
SIGMA = np.array([0.8, 0.8, 1.0])
#: Yearly growth of those who stay: what one starting earlier was smaller by.
GROWTH = np.array([1.145, 1.145, 1.26])
SEATS_LOW = np.array([3, 20, 150])
SEATS_HIGH = np.array([15, 120, 2_000])
SEAT_PRICE = np.array([38.0, 40.0, 26.0])
MONTHLY_TERM = np.array([0.75, 0.30, 0.05])
LONG_TERM = np.array([0.0, 0.0, 0.20])
ADD_ON = np.array([0.15, 0.30, 0.50])
#: Monthly subscriptions whose billing system reports every period as a state of its own.
ROLLING = 0.58

# --- hidden state -------------------------------------------------------------------------------------------
FIT_SD, VALUE_SD, VALUE_KEEP = 0.35, 0.50, 0.9
CHAMPION_LEAVES = 0.018
SPONSOR_LEAVES = 0.010
USE_MEAN = np.array([0.71, 0.73, 0.76])
USE_SD, USE_KEEP, USE_OF_VALUE = 0.14, 0.88, 0.05

# --- churn: monthly logit of the caused hazard by (segment, annual), and the two other ways out -------------
BASE = np.array([[-4.22, -3.34], [-5.27, -4.43], [-6.25, -5.66]])
UNSEEN = np.array([[0.0094, 0.0375], [0.0029, 0.0120], [0.0015, 0.0052]])
ON_VALUE, ON_CHAMPION, ON_TICKET, ON_PRICE, ON_BUDGET, ON_HUMP = 0.9, 1.1, 0.5, 0.3, 0.7, 0.5
ON_RENEWAL = float(np.log(3.0))
#: What is left of a yearly contract's hazard while it cannot be left.
LOCKED = 0.13
#: Larger customers leave less: hazard × exp(-c × size in standard deviations).
ON_SIZE = np.array([0.22, 0.24, 0.34])
#: Share of the caused hazard that goes through a decline of usage, and monthly hazard of a declining account.
THROUGH_DECLINE = 0.63
DECLINE_LEAVES = (0.16, 0.293)
DECLINE_ENDS = 0.50
#: The same with and without a champion lost in the last six months.
DECLINE_ALONE = (1.7, 0.94)
#: A bill fails / a failed bill is never paid, by (segment, annual).
FAILS = np.array([[0.024, 0.060], [0.008, 0.030], [0.002, 0.012]])
LOST_BILL = np.array([[0.25, 0.50], [0.18, 0.22], [0.10, 0.15]])
CORNER_INDUSTRY, CORNER_PLAN = "Logistics", "Team"
CORNER_TIMES = 2.7
WIN_BACK = 0.03
PAUSE = 0.004

# --- growth -------------------------------------------------------------------------------------------------
NEAR = 0.85
GROWS, GROWS_NEAR = 0.0160, 0.103
GROW_SIZE = np.array([0.46, 0.265, 0.40])
TRUE_UP = np.array([0.25, 0.40, 0.75])
TRUE_UP_SIZE = np.array([0.16, 0.16, 0.27])
SHRINKS_MONTHLY, SHRINKS_RENEWAL = 0.06, np.array([0.70, 0.90, 0.70])
UPLIFT_LOW, UPLIFT_HIGH, UPLIFT_STEEP, UPLIFT_NONE = 0.03, 0.05, 0.06, 0.04

# --- programmes ---------------------------------------------------------------------------------------------
HOLDOUT = 0.15
RESCUE_WORKS = np.array([1.0, 0.67, 1.0])
RESCUE_MONTHS = 6
AT_RISK = np.array([1.80, 1.15, 99.0])
RESCUE, USELESS = "Risk outreach", "Product tips"
