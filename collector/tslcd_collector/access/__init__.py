"""Who may look, who may act: people, their passwords, one-time codes and sessions, login at a provider, and what guards every request.

``middleware`` guards every request, ``routes`` are the pages of login and account. What costs memory (argon2, authlib, pyotp, segno)
is imported when somebody logs in that way.
"""

from tslcd_collector.access.gate import middleware
from tslcd_collector.access.login import routes
from tslcd_collector.access.person import OFF, Person, Role
from tslcd_collector.access.service import Access

__all__ = ["OFF", "Access", "Person", "Role", "middleware", "routes"]
