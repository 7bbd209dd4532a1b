"""Pure decisions about Deliveries: what an outcome means, when to try again, whether a System may be sent to."""
