"""The words that the evaluation's rows use, for those who write them and those who read them."""

from culturebench.measures.records import measure

ALL = "all"  # the region of a row about every region
POOLED = "pooled"  # the judge of a row about the mean of all judges

CULTURE = measure("culture_vqa").name  # the judge names the prompt's region
LANGUAGE = measure("language_vqa").name  # the judge names any region of the prompt's language
NEIGHBOUR = measure("language_elsewhere").name  # the judge names another region of the prompt's language
OBJECT = measure("object_accuracy").name  # the judge names the object that the prompt speaks of
PLAIN = measure("plain_share").name  # the judge sees no culture
NAMED = measure("region_named").name  # the judge names any region, right or wrong
ANGLO = measure("anglo_share").name  # the judge names the option that is no region, where it is offered
UNPARSEABLE = measure("unparseable_share").name  # the judge's reply was none of the options
AGREEMENT = measure("judge_agreement").name  # kappa of the judges' answers: Cohen's of two, Fleiss' of more

TEST = "test"  # the prompts of the test split; others carry their name under `prompts` in params
MINUS = "minus"  # in the summary: the differences from other conditions
