"""``python -m tslcd_agent``: the same as the command ``tslcd-agent``."""

from tslcd_agent.cli import main

if __name__ == "__main__":
    main()
