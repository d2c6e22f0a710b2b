"""Device profiles: which objects a family of devices has beyond IF-MIB, and which columns they become.

``document`` the file's types · ``checks`` what they cannot express · ``library`` files, inheritance and choice ·
``plan`` what to ask · ``expression`` and ``rows`` raw values to cells (pure) · ``standards`` the MIBs every vendor shares ·
``reader`` the questions of one device · ``coverage`` what came and what did not.
"""
