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
    MOST_PER_ADDRESS,
    MOST_PER_LOGIN,
    WINDOW,
    add_token,
    admit_try,
    end_session,
    revoke_tokens,
    session_accounts,
    set_password,
    start_session,
    token_accounts,
)

__all__ = [
    "FIRST_OPERATOR",
    "MOST_PER_ADDRESS",
    "MOST_PER_LOGIN",
    "WINDOW",
    "Change",
    "Contact",
    "NewAccount",
    "account_named",
    "add_token",
    "admit_try",
    "change_account",
    "create_account",
    "end_session",
    "ensure_first_operator",
    "listed_accounts",
    "names",
    "nearest_contact",
    "open_account",
    "revoke_tokens",
    "seed_accounts",
    "session_accounts",
    "set_password",
    "start_session",
    "token_accounts",
]
