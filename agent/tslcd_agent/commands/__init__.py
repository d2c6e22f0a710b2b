"""One module a command of ``tslcd-agent``, imported when that command is asked for."""
