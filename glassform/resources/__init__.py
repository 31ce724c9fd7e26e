"""What can be asked over HTTP; one folder never imports another."""
