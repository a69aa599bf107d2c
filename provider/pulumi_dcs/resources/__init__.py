"""What every resource needs: where it is, how inputs are refused, and how errors are worded in Pulumi's terms."""
