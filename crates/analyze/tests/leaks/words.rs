//! What is said, of what series, and that it is said again.
