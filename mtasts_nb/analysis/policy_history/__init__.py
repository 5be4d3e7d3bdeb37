"""Which policy each reporter applied on which day, and how a change spreads."""
