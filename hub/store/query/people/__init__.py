"""Queries about people: who has an account, keeping accounts, and who is signed in."""

from hub.store.query.people.accounts import (
    FIRST_OPERATOR,
    NewAccount,
    account_named,
    create_account,
    ensure_first_operator,
    names,
    seed_accounts,
)
from hub.store.query.people.contacts import Contact, nearest_contact
from hub.store.query.people.keeping import Change, change_account, listed_accounts, open_account
from hub.store.query.people.signing import (
    Checked,
    add_token,
    end_session,
    revoke_tokens,
    session_accounts,
    set_password,
    start_session,
    token_accounts,
)
from hub.store.query.people.standing import demand_standing, no_longer
from hub.store.query.people.throttle import note_failure, wait_for

__all__ = [
    "FIRST_OPERATOR",
    "Change",
    "Checked",
    "Contact",
    "NewAccount",
    "account_named",
    "add_token",
    "change_account",
    "create_account",
    "demand_standing",
    "end_session",
    "ensure_first_operator",
    "listed_accounts",
    "names",
    "nearest_contact",
    "no_longer",
    "note_failure",
    "open_account",
    "revoke_tokens",
    "seed_accounts",
    "session_accounts",
    "set_password",
    "start_session",
    "token_accounts",
    "wait_for",
]
