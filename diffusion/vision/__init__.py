"""Pictures as conditioning: encoders of pictures, and what is made of their outputs."""
