using ModelBuildTasks.Evaluation.Budgets;
using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Evaluation.Statistics;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Tests.Metrics;

[TestClass]
public sealed class AccuracyComparisonTests
{
    private static readonly string[] Outputs = ["scores"];

    [TestMethod]
    public void Counts_drop_agreement_and_the_worst_class()
    {
        // Right on all; the optimized model is wrong on the first 10 samples of class 1.
        Numbers dataset = new(200, i => i % 2);
        AccuracyResult result = Compare(dataset, i => i % 2, i => i % 2 == 1 && i < 20 ? 0 : i % 2);

        Assert.AreEqual(MetricKind.Top1, result.Metric);
        Assert.AreEqual(1, result.Original.Value);
        Assert.AreEqual(0.95, result.Optimized.Value, 1e-12);
        Assert.AreEqual(0.05, result.Drop!.Value.Value, 1e-12);
        Assert.IsTrue(result.Drop.Value.Low > 0.01 && result.Drop.Value.High < 0.1);
        Assert.AreEqual(0.95, result.Agreement!.Value, 1e-12);
        Assert.AreEqual(1, result.Classes[0].Class);
        Assert.AreEqual(0.1, result.Classes[0].Drop.Value, 1e-12);
        Assert.AreEqual(0, result.Classes[1].Drop.Value);
    }

    [TestMethod]
    public void Tells_which_answers_changed_and_in_which_slice()
    {
        // Wrong before on sample 199; afterwards wrong on the first 10 of class 1, which are all of the first slice.
        Numbers dataset = new(200, i => i % 2, i => i < 20 ? "new" : i < 40 ? null : "old");
        AccuracyResult result = Compare(dataset, i => i == 199 ? 2 : i % 2, i => i % 2 == 1 && i < 20 ? 0 : i % 2);

        Assert.AreEqual((10, 1), (result.Answers!.Lost, result.Answers.Won));
        Assert.AreEqual(24 / 2048.0, result.Answers.PValue, 1e-12);
        Assert.AreEqual(new ConfusionCell(1, 0, 0, 10), result.Confusion!.Cells.Single(cell => cell is { Label: 1, Answer: 0 }));
        Assert.AreEqual(("new", 20, 0.5), (result.Slices[0].Slice, result.Slices[0].Samples, result.Slices[0].Drop.Value));
        Assert.AreEqual(("old", 160), (result.Slices[1].Slice, result.Slices[1].Samples));
    }

    [TestMethod]
    public void Classes_that_are_stored_as_floating_point_numbers_are_told_apart()
    {
        Numbers dataset = new(200, i => i % 2, i => i < 20 ? "new" : "old") { AreLabelsFloat = true };
        AccuracyResult result = Compare(dataset, i => i % 2, i => i % 2 == 1 && i < 20 ? 0 : i % 2, MetricKind.Top1);

        Assert.AreEqual((1, 0.1), (result.Classes[0].Class, result.Classes[0].Drop.Value));
        Assert.AreEqual(("new", 0.5), (result.Slices[0].Slice, result.Slices[0].Drop.Value));
        Assert.AreEqual(10, result.Answers!.Lost);
    }

    [TestMethod]
    public void Top5_counts_the_answers_among_five()
    {
        AccuracyResult result = Compare(new Numbers(20, i => i % 3), i => i % 3, i => (i + 1) % 3, MetricKind.Top5);

        Assert.AreEqual((0, 0, 1), (result.Answers!.Lost, result.Answers.Won, result.Answers.PValue));
        Assert.AreEqual(0, result.Agreement);
    }

    [TestMethod]
    public void Agreement_needs_no_labels()
    {
        AccuracyResult result = Compare(new Numbers(100, null), i => i % 3, i => i < 10 ? 2 - i % 3 : i % 3, MetricKind.Agreement);

        Assert.AreEqual(Estimate.Exact(1), result.Original);
        Assert.AreEqual(0.93, result.Optimized.Value, 1e-12);
        Assert.AreEqual(0.07, result.Drop!.Value.Value, 1e-12);
        Assert.IsTrue(result.Drop.Value.Low > 0.03 && result.Drop.Value.High < 0.15, result.Drop.ToString());
        Assert.IsFalse(result.Labelled);
        Assert.IsNull(result.Confusion);
    }

    [TestMethod]
    public void Declared_boxes_are_scored_by_average_precision()
    {
        // The label of each sample is one object; the optimized model misses that of every fourth.
        Numbers dataset = new(40, null) { Boxes = true };
        Tensor Rows(bool isFound) => isFound ? Tensor.Create([1, 1, 6], [0f, 0, 10, 10, .9f, 0]) : Tensor.Create([1, 0, 6], Array.Empty<float>());

        AccuracyResult result = AccuracyComparison.Run(
            _ => [Rows(true)], inputs => [Rows(inputs[0].Span<float>()[0] % 4 != 0)], ["rows"], dataset, MetricKind.Auto, new AccuracySettings(2, Resamples: 200));

        Assert.AreEqual(MetricKind.MeanAveragePrecision, result.Metric);
        Assert.AreEqual(1, result.Original.Value, 1e-12);
        Assert.AreEqual(76 / 101.0, result.Optimized.Value, 1e-12);
        Assert.IsTrue(result.Drop!.Value.Low > 0.05 && result.Drop.Value.High < 0.5, result.Drop.ToString());
    }

    [TestMethod]
    public void The_result_does_not_depend_on_the_number_of_threads()
    {
        Numbers dataset = new(300, i => i % 3);
        AccuracyResult one = Compare(dataset, i => i % 3, i => i % 7 == 0 ? 0 : i % 3, threads: 1);
        AccuracyResult four = Compare(dataset, i => i % 3, i => i % 7 == 0 ? 0 : i % 3, threads: 4);

        Assert.AreEqual(one.Drop, four.Drop);
        Assert.AreEqual(one.Optimized, four.Optimized);
        Assert.AreEqual(one.WorstCosine, four.WorstCosine);
        CollectionAssert.AreEqual(one.Classes.ToArray(), four.Classes.ToArray());
    }

    [TestMethod]
    public void A_model_that_is_compared_with_itself_runs_once_for_each_sample()
    {
        int runs = 0;
        Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> model = inputs =>
        {
            Interlocked.Increment(ref runs);
            return inputs;
        };

        AccuracyResult result = AccuracyComparison.Run(model, model, Outputs, new Numbers(20, i => i), MetricKind.MeanSquaredError, new AccuracySettings(2, Resamples: 100));

        Assert.AreEqual((20, 0), (runs, result.Drop!.Value.Value));
    }

    [TestMethod]
    public void Equal_models_lose_nothing_but_few_samples_resolve_little()
    {
        AccuracyResult result = Compare(new Numbers(30, i => 0), i => 0, i => 0);

        Assert.AreEqual(0, result.Drop!.Value.Value);
        Assert.AreEqual(0.1, result.SmallestResolvableDrop, 1e-12);
    }

    [TestMethod]
    public void Without_labels_the_original_is_the_measure()
    {
        AccuracyResult result = Compare(new Numbers(10, null), i => 0, i => i == 0 ? 1 : 0);

        Assert.AreEqual(MetricKind.Cosine, result.Metric);
        Assert.IsFalse(result.Labelled);
        Assert.AreEqual(1, result.Original.Value, 1e-6);
        Assert.AreEqual(0.1, result.Drop!.Value.Value, 1e-6);
        Assert.IsEmpty(result.Classes);
    }

    [TestMethod]
    public void Whole_numbers_may_be_what_a_model_of_numbers_should_give()
    {
        AccuracyResult result = AccuracyComparison.Run(
            inputs => [Tensor.Create([1, 1], inputs[0].ToSingles())], inputs => [Tensor.Create([1, 1], [inputs[0].ToSingles()[0] + 2])],
            Outputs, new Numbers(50, i => i), MetricKind.MeanSquaredError, new AccuracySettings(2));

        Assert.AreEqual(0, result.Original.Value);
        Assert.AreEqual(4, result.Drop!.Value.Value, 1e-9);
        Assert.IsNull(result.Agreement);
        Assert.IsEmpty(result.Classes);
    }

    [TestMethod]
    public void Infinite_signal_to_noise_has_no_drop() =>
        Assert.IsNull(Compare(new Numbers(10, null), i => 0, i => i % 2, MetricKind.SignalToNoise).Drop);

    [TestMethod]
    [DataRow(float.NaN)]
    [DataRow(float.PositiveInfinity)]
    public void A_finite_score_that_is_lost_is_a_drop_that_no_budget_allows(float value)
    {
        AccuracyResult result = AccuracyComparison.Run(
            inputs => inputs, inputs => [inputs[0].ToSingles()[0] == 3 ? Tensor.Create([1, 1], [value]) : inputs[0]],
            Outputs, new Numbers(50, i => i), MetricKind.MeanSquaredError, new AccuracySettings(2, Resamples: 100));

        Assert.AreEqual(BudgetOutcome.Failed, BudgetJudge.Judge(new BudgetLimits { MaxAccuracyDrop = 1e6 }, new BudgetMeasurements { Accuracy = result }).Single().Outcome);
    }

    [TestMethod]
    public void Metrics_that_need_labels_say_so() =>
        StringAssert.Contains(Assert.ThrowsExactly<MetricException>(() => Compare(new Numbers(5, null), i => 0, i => 0, MetricKind.F1)).Message, "labels");

    [TestMethod]
    public void Outputs_of_another_size_are_an_error_that_names_the_output()
    {
        Numbers dataset = new(5, i => 0);

        string message = Assert.ThrowsExactly<OptimizedModelException>(() => AccuracyComparison.Run(
            _ => [Tensor.Vector(1f, 2f)], _ => [Tensor.Vector(1f)], Outputs, dataset, MetricKind.Auto, new AccuracySettings(1))).Message;

        StringAssert.Contains(message, "'scores'");
    }

    [TestMethod]
    public void A_sample_that_the_optimized_model_alone_fails_on_is_its_fault()
    {
        static float[] Fail(int sample) => sample == 7 ? throw new InferenceException("beyond the table") : [1, 2];

        Assert.Contains("cannot run it on a sample: beyond the table", Assert.ThrowsExactly<OptimizedModelException>(() => Compare(_ => [1, 2], Fail, MetricKind.Cosine)).Message);
        Assert.ThrowsExactly<InferenceException>(() => Compare(Fail, Fail, MetricKind.Cosine));
    }

    [TestMethod]
    [DataRow(float.NaN, MetricKind.Top1)]
    [DataRow(float.NaN, MetricKind.Cosine)]
    [DataRow(float.NegativeInfinity, MetricKind.MeanSquaredError)]
    public void An_original_that_is_undefined_for_every_sample_leaves_nothing_to_compare(float value, MetricKind metric)
    {
        UndefinedOutputException fault = Assert.ThrowsExactly<UndefinedOutputException>(() => Compare(_ => [value, value], _ => [1, 2], metric));

        Assert.AreEqual("scores", fault.Output);
        Assert.AreEqual(10, fault.Samples);
    }

    [TestMethod]
    public void Samples_for_which_the_original_is_not_finite_are_counted()
    {
        float[] Model(int i) => i < 3 ? [1, float.NaN] : i == 3 ? [1, float.PositiveInfinity] : [1, 2];

        Assert.AreEqual(new NonFiniteOutput("scores", Original: 4, Lost: 0), Compare(Model, Model, MetricKind.Cosine).NonFinite.Single());
    }

    [TestMethod]
    public void Samples_for_which_only_the_optimized_model_is_not_finite_are_counted() =>
        Assert.AreEqual(new NonFiniteOutput("scores", Original: 0, Lost: 2), Compare(_ => [1, 2], i => i < 2 ? [1, float.NaN] : [1, 2], MetricKind.Top1).NonFinite.Single());

    [TestMethod]
    public void Scores_that_are_masked_for_every_sample_are_compared_by_the_others()
    {
        AccuracyResult result = Compare(_ => [1, 0, float.NegativeInfinity], i => i < 5 ? [0, 1, float.NegativeInfinity] : [1, 0, float.NegativeInfinity], MetricKind.Cosine);

        Assert.AreEqual(0.5, result.Drop!.Value.Value, 1e-6);
        Assert.AreEqual(10, result.NonFinite.Single().Original);
    }

    [TestMethod]
    public void Finite_outputs_are_not_mentioned() => Assert.IsEmpty(Compare(_ => [1, 2], _ => [2, 1], MetricKind.Top1).NonFinite);

    [TestMethod]
    public void Outputs_that_are_empty_in_both_models_are_alike()
    {
        AccuracyResult result = Compare(i => i < 5 ? [] : [1, 2], i => i < 5 ? [] : [1, 2], MetricKind.Cosine);

        Assert.AreEqual(0, result.Drop!.Value.Value, 1e-9);
        Assert.AreEqual(1, result.WorstCosine, 1e-9);
    }

    [TestMethod]
    [DataRow(MetricKind.Cosine, 0.8)]
    [DataRow(MetricKind.SignalToNoise, 3.98)]
    public void Another_number_of_results_counts_as_none_alike(MetricKind metric, double expected) =>
        // 2 of 10 samples: 10·log₁₀(10·5 / (2·(5 + 5))) dB.
        Assert.AreEqual(expected, Compare(_ => [1, 2], i => i < 2 ? [1, 2, 0] : [1, 2], metric).Optimized.Value, 0.01);

    [TestMethod]
    public void With_labels_outputs_need_elements() =>
        Assert.Contains("nothing to compare", Assert.ThrowsExactly<MetricException>(() => Compare(_ => [], _ => [], MetricKind.Top1)).Message);

    /// <summary>Ten samples of class 0, answered as the functions of the sample's number say.</summary>
    private static AccuracyResult Compare(Func<int, float[]> original, Func<int, float[]> optimized, MetricKind metric)
    {
        static IReadOnlyList<Tensor> Answer(IReadOnlyList<Tensor> inputs, Func<int, float[]> model)
        {
            float[] values = model((int)inputs[0].Span<float>()[0]);
            return [Tensor.Create([1, values.Length], values)];
        }

        Numbers dataset = new(10, metric == MetricKind.Top1 ? _ => 0 : null);
        return AccuracyComparison.Run(inputs => Answer(inputs, original), inputs => Answer(inputs, optimized), Outputs, dataset, metric, new AccuracySettings(2, Resamples: 100));
    }

    private static AccuracyResult Compare(Numbers dataset, Func<int, int> original, Func<int, int> optimized, MetricKind metric = MetricKind.Auto, int threads = 2)
    {
        IReadOnlyList<Tensor> Answer(IReadOnlyList<Tensor> inputs, Func<int, int> model)
        {
            float[] scores = new float[3];
            scores[model((int)inputs[0].Span<float>()[0])] = 1;
            return [Tensor.Create([1, 3], scores)];
        }

        return AccuracyComparison.Run(inputs => Answer(inputs, original), inputs => Answer(inputs, optimized), Outputs, dataset, metric, new AccuracySettings(threads, Resamples: 500));
    }

    /// <summary>Samples whose only input is their number.</summary>
    private sealed class Numbers(int count, Func<int, long>? label, Func<int, string?>? slice = null) : Dataset
    {
        public override string Path => "numbers";

        public override int Count => count;

        public override bool HasLabels => label is not null || Boxes;

        public override Scoring Scoring => Boxes ? new Scoring { Detection = new Detection { Boxes = "rows" } } : Scoring.Unstated;

        /// <summary>Whether the label of each sample is one object.</summary>
        internal bool Boxes { get; init; }

        /// <summary>Whether labels are single precision numbers, as files of floating point numbers give them.</summary>
        internal bool AreLabelsFloat { get; init; }

        public override IEnumerable<Sample> Read() => Enumerable.Range(0, count).Select(i => new Sample(
            [Tensor.Create([1, 1], new float[] { i })], Boxes ? Tensor.Create([1, 5], [0f, 0, 10, 10, 0]) : label is null ? null : AreLabelsFloat ? Tensor.Scalar((float)label(i)) : Tensor.Scalar(label(i))) { Slice = slice?.Invoke(i) });
    }
}
