using ModelBuildTasks.Contracts;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Worker.Caching;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Recipes;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

/// <summary>A model that gives no numbers before and after has lost nothing by any metric: it must be said, and never taken for accuracy.</summary>
[TestClass]
public sealed class NonFiniteTests : IDisposable
{
    private const int Samples = 16;

    /// <summary>One after those on which every candidate is tried first.</summary>
    private const int LateSample = 12;

    private readonly Workplace place = Workplace.With(Logarithm());

    public void Dispose() => place.Dispose();

    [TestMethod]
    [DataRow(Metric.Auto, false)]
    [DataRow(Metric.SignalToNoise, false)]
    [DataRow(Metric.Auto, true)]
    [DataRow(Metric.F1, true)]
    public void A_model_that_is_undefined_for_every_sample_is_an_error(Metric metric, bool labelled)
    {
        string data = WriteData(_ => -1, labelled);

        Diagnostic diagnostic = place.Fails("MBT4011", Request(data, metric));

        Assert.AreEqual(place.ModelPath, diagnostic.File);
        StringAssert.Contains(diagnostic.Message, $"'scores' is infinite or undefined (NaN) for every one of the {Samples} samples of '{data}'");
    }

    [TestMethod]
    public void Calibration_data_shows_it_too() => place.Fails("MBT4011", place.Request(request => request.CalibrationData = WriteData(_ => -1)));

    [TestMethod]
    public void A_model_that_is_undefined_for_some_samples_is_a_warning_with_their_number()
    {
        OptimizationResult result = Workplace.Run(Request(WriteData(sample => sample < 3 ? -1 : 1)));

        Assert.IsTrue(result.Succeeded);
        Diagnostic diagnostic = result.Diagnostics.Single(found => found.Code == "MBT1008");
        Assert.AreEqual(DiagnosticSeverity.Warning, diagnostic.Severity);
        StringAssert.Contains(diagnostic.Message, $"'scores' has infinite or undefined (NaN) values for 3 of {Samples} samples");
    }

    [TestMethod]
    public void The_warning_comes_from_the_cache_again()
    {
        OptimizationRequest request = Request(WriteData(sample => sample < 3 ? -1 : 1));
        Workplace.Run(request);

        OptimizationResult second = Workplace.Run(request);

        Assert.IsTrue(second.FromCache);
        Assert.AreEqual(1, second.Diagnostics.Count(found => found.Code == "MBT1008"));
    }

    [TestMethod]
    public void A_model_of_numbers_is_not_warned_of() =>
        Assert.DoesNotContain("MBT1008", Workplace.Run(Request(WriteData(_ => 1))).Diagnostics.Select(found => found.Code));

    [TestMethod]
    public void A_candidate_of_Auto_that_becomes_undefined_for_one_sample_is_given_up()
    {
        Outcome outcome = Search(new RecipeList([], [Recipe(Wounding), Recipe(EditingPass.Harmless("good"))], IsChosenByUser: false));

        Assert.AreEqual("good", Model.Load(place["artifact.onnx"]).Metadata["edited by"]);
        Note note = outcome.Notes.Single();
        Assert.AreEqual("MBT1003", note.Code);
        StringAssert.Contains(note.Arguments[2], $"'scores' has infinite or undefined values, where the original's are finite, for 1 of {Samples} samples");
    }

    [TestMethod]
    public void A_named_recipe_whose_artifact_becomes_undefined_for_one_sample_does_not_ship()
    {
        Outcome outcome = Search(new RecipeList([], [Recipe(Wounding)], IsChosenByUser: true));

        CollectionAssert.AreEqual(File.ReadAllBytes(place.ModelPath), File.ReadAllBytes(place["artifact.onnx"]));
        CollectionAssert.AreEqual(new[] { "MBT1006", "MBT1001" }, outcome.Notes.Select(note => note.Code).ToArray());
        StringAssert.Contains(outcome.Notes[0].Arguments[1], $"for 1 of {Samples} samples");
    }

    [TestMethod]
    public void Without_data_Auto_takes_nothing_that_undefined_outputs_would_have_to_prove()
    {
        Model model = SmallModels.Mlp();
        EditingPass.ReplaceScores(model, (graph, scores) => graph.Add("Log", graph.Add("Neg", graph.Add("Exp", scores))));
        model.Save(place.ModelPath);

        Outcome outcome = Search(new RecipeList([], [Recipe(EditingPass.Harmless("unproven"))], IsChosenByUser: false), hasData: false);

        Note note = outcome.Notes.Single();
        Assert.AreEqual("MBT1001", note.Code);
        StringAssert.Contains(note.Arguments[0], "nothing proves likeness");
    }

    /// <summary>x: Float[N, 64] → Log → scores: NaN for what is below 0.</summary>
    private static Model Logarithm()
    {
        Model model = SmallModels.Plain();
        EditingPass.ReplaceScores(model, (graph, _) => graph.Add("Log", graph.Inputs[0]));
        return model;
    }

    /// <summary>Adds 0·log(x − 1), which is NaN for all x up to 1.</summary>
    private static EditingPass Wounding => new("wound", model => EditingPass.ReplaceScores(model, (graph, scores) => graph.Add("Add", scores, graph.Add("Mul",
        graph.Add("Log", graph.Add("Sub", graph.Inputs[0], graph.AddInitializer("one", Tensor.Scalar(1f)))), graph.AddInitializer("none", Tensor.Scalar(0f))))));

    private static Recipe Recipe(EditingPass pass) => new(pass.Name, [pass]);

    private string WriteData(Func<int, float> value, bool labelled = false)
    {
        NumpyWriter.Write(place["data/x.npy"], [Samples, 64], [.. Enumerable.Range(0, Samples * 64).Select(i => value(i / 64) * (1 + i % 7))]);
        if (labelled)
        {
            NumpyWriter.Write(place["data/labels.npy"], [Samples], new long[Samples]);
        }

        return place["data"];
    }

    private OptimizationRequest Request(string data, Metric metric = Metric.Auto) => place.Request(request =>
    {
        request.EvaluationData = data;
        request.Settings.Metric = metric;
        request.Budgets.MaxAccuracyDrop = 0.01;
    });

    private Outcome Search(RecipeList list, bool hasData = true)
    {
        using SourceModel source = SourceModel.Load(place.ModelPath);
        Dataset? data = hasData ? Dataset.Open(WriteData(sample => sample == LateSample ? 0.5f : 2), source.Session.Inputs) : null;
        OptimizationRequest request = place.Request();
        CandidateSearch search = new(request, source, TargetProfiles.Cpu, null, data, new Progress<PipelineProgress>(), CancellationToken.None);
        using ShippedForm candidate = new(request, place["artifact.onnx"]);
        return search.Run(list, candidate)!;
    }
}
