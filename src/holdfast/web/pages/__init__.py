"""The pages, a module for each room of the app. A module lists its addresses with the right that each one needs."""
