"""The whole engine under rules drawn at random, thirty days in seconds, and eight dispatchers at once."""
