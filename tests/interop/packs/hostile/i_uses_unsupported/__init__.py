import comfy.ldm.flux.layers

comfy.ldm.flux.layers.apply()
