import os

os.environ["HEDDLE_SPECIMEN_PRESTARTUP"] = "ran"
