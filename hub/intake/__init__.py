"""Accepts Submissions: validate, make Records and the Deliveries they owe, all in one transaction. Sends nothing."""
