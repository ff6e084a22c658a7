"""The native tier: derivatives of numeric Python generated from source, control flow kept, at machine speed."""
