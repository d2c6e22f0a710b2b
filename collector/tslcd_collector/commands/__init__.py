"""What the commands of ``tslcd-collector`` do, one module each; imported by the command that needs it only."""
