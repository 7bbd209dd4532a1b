"""Offers known values to the next person who fills a form, each with its source and date. Changes nothing."""

from hub.prefill.offer import Offer, Opinion, offer

__all__ = ["Offer", "Opinion", "offer"]
