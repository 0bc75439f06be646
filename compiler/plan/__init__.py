"""What a build would change, and what can be said of the run before it starts: an experiment and a committed snapshot in,
predictions and the difference in the spec's own words out."""
