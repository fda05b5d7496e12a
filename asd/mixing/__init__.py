"""Mixes: own rows, converted rows and rehearsal rows in exact shares, as one version (`asd mix`)."""
