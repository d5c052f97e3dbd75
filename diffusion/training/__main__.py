"""Command line: train the embedded model from nothing, or measure a trained one.

``python -m diffusion.training --out DIR`` draws, trains and exports; run again, it goes on where it stopped.
``python -m diffusion.training evaluate FILE`` prints the detector's scores as JSON.
``python -m diffusion.training sheet FILE --out PNG`` draws a labelled sheet of samples.
"""

import sys

from diffusion.training.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
