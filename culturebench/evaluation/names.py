"""The words that the evaluation's rows use, for those who write them and those who read them."""

ALL = "all"  # the region of a row about every region
POOLED = "pooled"  # the judge of a row about the mean of all judges

CULTURE = "culture_vqa"  # the judge names the prompt's region
LANGUAGE = "language_vqa"  # the judge names any region of the prompt's language
OBJECT = "object_accuracy"  # the judge names the object that the prompt speaks of
PLAIN = "plain_share"  # the judge sees no culture
UNPARSEABLE = "unparseable_share"  # the judge's reply was none of the options
AGREEMENT = "judge_agreement"  # kappa of the judges' answers: Cohen's of two, Fleiss' of more

DELTA = "delta_"  # + measure: the paired difference from the condition's reference
DELTA_RANDOM = "delta_random_"  # + measure: from the control that does as much at random
P_VALUE = "p_"  # + a difference's measure: its p-value, corrected for all comparisons of that measure

TEST = "test"  # the prompts of the test split; other prompts carry their name under `ood` in params

#: Measures of which less is better.
LOWER_IS_BETTER = frozenset({PLAIN, UNPARSEABLE, "lpips_reference", "atlas_perceptual_reference"})
