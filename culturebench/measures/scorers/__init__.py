"""One module per scorer, called by its key in the section `measure` of params.yaml; `opening` finds it by that name.

`run(chosen, task)` gives the rows of the scorer's measures, which `records` names. `work(chosen, forecast)`, which the
atlas's own lacks, is called on the meta device: what is computed for one picture, None where no shapes are known.
"""
