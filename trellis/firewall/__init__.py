"""The firewall: from the declared connections to what each host lets in and out."""
