"""The web app: a door. Pages translate, ask and show; they decide nothing."""
