"""Active measurements from the agent to named targets."""
