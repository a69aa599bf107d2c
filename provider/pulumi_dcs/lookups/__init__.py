"""What programs look up: what is asked for, how it is asked, what is found."""
