"""The benchmark: what the numbers cost, beside pandas, date-spine SQL and the floor of mere reading and sorting."""
