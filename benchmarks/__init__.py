"""Side by side with peers: each row is a ratio of two figures taken in turn, beside the bar it has to stay under."""
