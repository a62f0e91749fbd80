"""The words that the evaluation's rows use, for those who write them and those who read them."""

ALL = "all"  # the region of a row about every region
POOLED = "pooled"  # the judge of a row about the mean of all judges

CULTURE = "culture_vqa"  # the judge names the prompt's region
LANGUAGE = "language_vqa"  # the judge names any region of the prompt's language
OBJECT = "object_accuracy"  # the judge names the object that the prompt speaks of
PLAIN = "plain_share"  # the judge sees no culture
UNPARSEABLE = "unparseable_share"  # the judge's reply was none of the options
AGREEMENT = "judge_agreement"  # kappa of the judges' answers: Cohen's of two, Fleiss' of more

TEST = "test"  # the prompts of the test split; others carry their name under `prompts` in params
MINUS = "minus"  # in the summary: the differences from other conditions

#: Measures of which less is better.
LOWER_IS_BETTER = frozenset({PLAIN, UNPARSEABLE, "lpips_reference", "atlas_perceptual_reference"})
