using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Searching;
using ModelBuildTasks.Worker.Reporting;
using static ModelBuildTasks.Worker.Tests.Infra.SampleResults;

namespace ModelBuildTasks.Worker.Tests.Reporting;

[TestClass]
public sealed class SearchStoryTests
{
    private const int AHandful = 13;

    private readonly OptimizationResult result = Searched().Result;

    private SearchAccount Search => result.Search!;

    [TestMethod]
    public void A_choice_is_told_from_the_first_trial_to_what_it_bought() => AssertStory(
        "The search for the lowest latency tried 5 forms in 41 s, 1 of them known from the cache.",
        "1. simplification alone, because nothing is lost by it: 980 B, latency × 0.950, no drop.",
        "2. dynamic int8, because it needs no samples: 320 B, latency × 0.800, drop 0.0060.",
        "4. structured pruning 25 % + static int8, because half lost too much: 300 B, latency × 0.500, drop 0.0050.",
        "Refused: 3. structured pruning 50 % + static int8 (150 B, latency × 0.300, drop 0.0412), for Top1 drops by 0.0412 on 500 samples, more than 0.01.",
        "Refused: 5. weight-only int4 (200 B), for output 'digits' has infinite or undefined values.",
        "Kept: 4. structured pruning 25 % + static int8. It is the fastest of the forms that keep the accuracy.",
        "Against the original: 300 B of 1000 B (× 0.300), latency × 0.500 (2 ms → 1 ms), Top1 0.9900 → 0.9850 (drop 0.0050).");

    [TestMethod]
    public void Where_nothing_may_ship_the_source_model_does()
    {
        Search.Trials = [new SearchTrial { Name = "static int8", Refusal = "it takes 1.20 times the original's time on this machine", Bytes = 300, LatencyRatio = 1.2, Seconds = 3 }];
        Search.Decision = "";
        result.Pinned = new PinnedRecipe { IsSource = true };
        result.Optimized = new ModelFigures { Bytes = 1000 };
        (result.AccuracyDrop, result.LatencyRatio) = (null, new LatencyRatio { Reason = "ModelMeasurement is Skip" });

        AssertStory(
            "The search for the lowest latency tried one form in 41 s.",
            "Refused: 1. static int8 (300 B, latency × 1.200), for it takes 1.20 times the original's time on this machine.",
            "Kept: the source model as it is, for nothing that was tried may ship.",
            "Against the original: 1000 B of 1000 B (× 1.000), latency not measured.");
    }

    [TestMethod]
    public void Where_none_keeps_all_budgets_the_closest_is_told_as_such()
    {
        result.Budgets.Add(Budget(Verdict.Failed));
        result.Budgets.Add(Budget(Verdict.Passed, "MaxLatencyRatio"));
        Search.Trials[3].Refusal = "its size is × 0.310, more than × 0.3";
        Search.Decision = "It is the closest; MaxSizeRatio=\"0.31\" would let it pass.";

        string[] story = [.. SearchStory.Lines(result)];

        CollectionAssert.Contains(story, "Kept, though it breaks MaxSizeRatio: 4. structured pruning 25 % + static int8. It is the closest; MaxSizeRatio=\"0.31\" would let it pass.");
        Assert.DoesNotContain(line => line.StartsWith("Refused: 4.", StringComparison.Ordinal), story, "It ships.");
    }

    [TestMethod]
    public void Of_a_closest_form_without_a_judged_budget_its_refusal_is_told()
    {
        Search.Trials[3].Refusal = "its size is × 0.310, more than × 0.3";

        CollectionAssert.Contains(SearchStory.Lines(result).ToArray(),
            "Kept, though its size is × 0.310, more than × 0.3: 4. structured pruning 25 % + static int8. It is the fastest of the forms that keep the accuracy.");
    }

    [TestMethod]
    public void A_source_model_that_breaks_a_budget_is_told_so()
    {
        result.Budgets.Add(Budget(Verdict.Failed));
        result.Pinned = new PinnedRecipe { IsSource = true };
        Search.Trials = [new SearchTrial { Name = "static int8", Refusal = "it is slower", Seconds = 3 }];

        CollectionAssert.Contains(SearchStory.Lines(result).ToArray(),
            "Kept, though it breaks MaxSizeRatio: the source model as it is, for nothing that was tried may ship. It is the fastest of the forms that keep the accuracy.");
    }

    [TestMethod]
    public void A_search_of_what_was_known_says_so()
    {
        Search.Trials = [Search.Trials[0]];

        Assert.AreEqual("The search for the lowest latency tried one form in 41 s, known from the cache.", SearchStory.Lines(result).First());
    }

    [TestMethod]
    public void What_was_never_made_does_not_come_from_the_cache()
    {
        Search.Trials = [new SearchTrial { Name = "static int8, pruned", Refusal = "by prediction 90 % of it would be left" }];

        StringAssert.EndsWith(SearchStory.Lines(result).First(), "tried one form in 41 s.");
    }

    [TestMethod]
    [DataRow(0.04, "0.0 s")]
    [DataRow(9.94, "9.9 s")]
    [DataRow(9.96, "10 s")]
    [DataRow(59.4, "59 s")]
    [DataRow(59.6, "1 min 0 s")]
    [DataRow(192.4, "3 min 12 s")]
    public void Time_is_told_as_precisely_as_it_matters(double seconds, string expected) => Assert.AreEqual(expected, Quantities.Seconds(seconds));

    [TestMethod]
    public void A_search_that_was_cut_short_says_what_would_lengthen_it()
    {
        Search.IsCutShort = true;

        Assert.AreEqual("The time was up before all was tried: a longer ModelOptimizationTimeout may find better.", SearchStory.Lines(result).Last());
    }

    [TestMethod]
    public void One_trial_is_a_story_of_four_lines()
    {
        Search.Objective = Objective.Size;
        Search.Trials = [Search.Trials[3]];

        AssertStory(
            "The search for the smallest size tried one form in 41 s.",
            "1. structured pruning 25 % + static int8, because half lost too much: 300 B, latency × 0.500, drop 0.0050.",
            "Kept: 1. structured pruning 25 % + static int8. It is the fastest of the forms that keep the accuracy.",
            "Against the original: 300 B of 1000 B (× 0.300), latency × 0.500 (2 ms → 1 ms), Top1 0.9900 → 0.9850 (drop 0.0050).");
    }

    [TestMethod]
    public void What_was_refused_for_the_same_kind_of_reason_is_told_once()
    {
        Search.Trials = [.. Enumerable.Range(1, 5).Select(i => new SearchTrial { Name = $"pruning {i}0 %", Refusal = $"Top1 drops by 0.{i}2 on 500 samples, more than 0.01", Drop = 0.12, Seconds = 1 })];

        CollectionAssert.Contains(SearchStory.Lines(result).ToArray(),
            "Refused: 1. pruning 10 % (drop 0.1200), for Top1 drops by 0.12 on 500 samples, more than 0.01; for the same kind of reason also 2. pruning 20 %, 3. pruning 30 %, 4. pruning 40 % and 5. pruning 50 %.");
    }

    [TestMethod]
    public void Outputs_of_other_names_make_no_other_kind_of_reason()
    {
        Search.Trials = [.. ((string[])["a", "b's", "c 1"]).Select(output => new SearchTrial { Name = "int8", Refusal = $"output '{output}' has a cosine similarity of 0.5, less than 0.99", Seconds = 1 })];

        Assert.HasCount(1, SearchStory.Lines(result).Where(line => line.StartsWith("Refused: ", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void Thirty_trials_are_a_handful_of_lines()
    {
        Search.IsCutShort = true;
        Search.Trials = [.. Enumerable.Range(0, 30).Select(i => new SearchTrial
        {
            Name = $"form {i}", Reason = "it may pay", Bytes = 100 + i, Drop = 0.001 * i, LatencyRatio = 1 - 0.01 * i, Seconds = 1, IsChosen = i == 20, IsOnFront = i is 3 or 20,
            Refusal = i % 2 == 0 && i != 20 ? $"reason {(char)('a' + i % 7)} speaks against it" : null,
        })];

        string[] story = [.. SearchStory.Lines(result)];

        Assert.IsLessThanOrEqualTo(AHandful, story.Length, string.Join('\n', story));
        CollectionAssert.Contains(story, "4. form 3, because it may pay: 103 B, latency × 0.970, drop 0.0030.");
        CollectionAssert.Contains(story, "21. form 20, because it may pay: 120 B, latency × 0.800, drop 0.0200.");
        CollectionAssert.Contains(story, "Also fit to ship: 8. form 7, 10. form 9, 12. form 11 and 9 more.");
        Assert.AreEqual(1, story.Count(line => line.StartsWith("Refused for other reasons: ", StringComparison.Ordinal)));
    }

    [TestMethod]
    [DataRow(double.NaN)]
    [DataRow(double.PositiveInfinity)]
    [DataRow(double.NegativeInfinity)]
    public void What_is_not_finite_is_left_out(double number)
    {
        foreach (SearchTrial trial in Search.Trials)
        {
            (trial.Drop, trial.Accuracy, trial.LatencyRatio, trial.Cosine) = (number, number, number, number);
        }

        Search.Seconds = number;
        (result.AccuracyDrop!.Value, result.LatencyRatio!.Value, result.Optimized!.LatencyMilliseconds) = (number, number, number);

        string[] story = [.. SearchStory.Lines(result)];

        Assert.AreEqual("The search for the lowest latency tried 5 forms, 1 of them known from the cache.", story[0]);
        Assert.AreEqual("2. dynamic int8, because it needs no samples: 320 B.", story[2]);
        Assert.AreEqual("Against the original: 300 B of 1000 B (× 0.300), Top1 0.9900 → 0.9850.", story[^1]);
    }

    [TestMethod]
    public void A_loss_without_a_finite_drop_is_told_by_what_there_is()
    {
        Search.Trials = [
            new SearchTrial { Name = "a", Drop = double.PositiveInfinity, Accuracy = 41.25, Seconds = 1 },
            new SearchTrial { Name = "b", Cosine = 0.99871, Seconds = 1 },
            new SearchTrial { Name = "c", Drop = -0.002, Seconds = 1 },
            new SearchTrial { Name = "d", Drop = 0.00001, Seconds = 1 }];

        CollectionAssert.IsSubsetOf(new[] { "1. a: accuracy 41.2500.", "2. b: cosine 0.9987.", "3. c: gain 0.0020.", "4. d: drop below 0.0001." }, SearchStory.Lines(result).ToArray());
    }

    [TestMethod]
    public void What_ships_compressed_is_told_so()
    {
        (result.IsCompressed, result.Optimized!.CompressedBytes) = (true, 250);

        StringAssert.StartsWith(SearchStory.Lines(result).Last(), "Against the original: 250 B of 1000 B (× 0.250), ");
    }

    [TestMethod]
    public void An_artifact_from_the_cache_is_told_with_the_search_that_made_it()
    {
        result.FromCache = true;

        Assert.AreEqual("It came from the cache; the search that made it, for the lowest latency, tried 5 forms in 41 s, 1 of them known from the cache.", SearchStory.Lines(result).First());
    }

    [TestMethod]
    public void Clauses_and_sentences_end_once()
    {
        Search.Trials = [new SearchTrial { Name = "a", Reason = "it may pay.", Bytes = 10, IsChosen = true, Seconds = 1 }];
        Search.Decision = "It was the only one";

        CollectionAssert.IsSubsetOf(new[] { "1. a, because it may pay: 10 B.", "Kept: 1. a. It was the only one." }, SearchStory.Lines(result).ToArray());
    }

    [TestMethod]
    public void A_trial_of_which_nothing_is_known_is_told_by_its_name()
    {
        Search.Trials = [new SearchTrial { Name = "a", Seconds = 1 }];

        CollectionAssert.Contains(SearchStory.Lines(result).ToArray(), "1. a.");
    }

    [TestMethod]
    public void Whatever_a_name_holds_a_line_stays_a_line()
    {
        string[] story = [.. SearchStory.Lines(Searched("a\r\nb\u001b[2J").Result)];

        Assert.IsFalse(story.Any(line => line.Any(char.IsControl)), string.Join('\n', story));
    }

    [TestMethod]
    public void Without_a_search_the_settings_named_the_technique()
    {
        result.Search = null;

        AssertStory(
            "Nothing was searched for: the settings name what to do.",
            "Done: simplification.",
            "Against the original: 300 B of 1000 B (× 0.300), latency × 0.500 (2 ms → 1 ms), Top1 0.9900 → 0.9850 (drop 0.0050).");
    }

    [TestMethod]
    public void Without_a_search_the_cache_may_have_had_it()
    {
        (result.Search, result.FromCache) = (null, true);

        Assert.AreEqual("Nothing was searched for: the cache had what these settings make.", SearchStory.Lines(result).First());
    }

    [TestMethod]
    public void Without_a_search_the_lock_file_may_have_had_it()
    {
        result.Search = null;
        result.Recipe.Add(new RecipeStep { Name = "dynamic int8", Explanation = "Given up, for the lock file has another form." });

        Assert.AreEqual("Nothing was searched for: it was made again as the lock file has it.", SearchStory.Lines(result).First());
    }

    [TestMethod]
    public void Without_a_step_the_source_model_ships()
    {
        result.Search = null;
        result.Recipe.Clear();

        Assert.AreEqual("Done: nothing; the source model ships as it is.", SearchStory.Lines(result).ElementAt(1));
    }

    [TestMethod]
    public void Where_nothing_was_made_there_is_no_story() => Assert.IsEmpty(SearchStory.Lines(Failed().Result));

    [TestMethod]
    public void A_search_that_failed_tells_what_it_tried()
    {
        result.Succeeded = false;
        Search.Trials[3].IsChosen = false;

        string[] story = [.. SearchStory.Lines(result)];

        Assert.AreEqual("Kept: nothing. It is the fastest of the forms that keep the accuracy.", story[^1]);
    }

    private void AssertStory(params string[] lines) => Assert.AreEqual(string.Join('\n', lines), string.Join('\n', SearchStory.Lines(result)));
}
