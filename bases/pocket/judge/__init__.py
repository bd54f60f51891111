"""The judge: a network that scores clips, and never trains, chooses or audits anything."""
