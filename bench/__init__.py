"""The benchmark: what the product's numbers cost, beside pandas, date-spine SQL and the floor of merely reading and sorting."""
