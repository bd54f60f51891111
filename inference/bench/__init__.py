"""The bench's measures: what a judge sees in a clip, beside what is true."""
