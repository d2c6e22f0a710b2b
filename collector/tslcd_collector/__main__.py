"""``python -m tslcd_collector`` is ``tslcd-collector``."""

from tslcd_collector.cli import main

main(prog_name="tslcd-collector")
