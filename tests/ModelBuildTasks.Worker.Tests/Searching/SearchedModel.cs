using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Searching;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Searching;

/// <summary>A model of which integers pay, with both data sets, for searches through the whole pipeline. Nothing is measured unless the test asks for it.</summary>
public abstract class SearchedModel : IDisposable
{
    /// <summary>Enough that pruning is a matter of how much.</summary>
    private protected const double LooseDrop = 0.5;

    private protected readonly Workplace place = Workplace.With(SmallModels.WideMlp());

    /// <summary>Stages that the last search began, in order.</summary>
    private protected readonly List<string> stages = [];

    public void Dispose()
    {
        place.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected OptimizationResult Search(Action<OptimizationRequest>? change = null)
    {
        stages.Clear();
        OptimizationResult result = Workplace.Run(Request(change), Begin);
        Assert.IsTrue(result.Succeeded, string.Join('\n', result.Diagnostics));
        return result;
    }

    private protected OptimizationRequest Request(Action<OptimizationRequest>? change = null) => place.Request(request =>
    {
        request.CalibrationData = place.WriteData("calibration", count: 64, seed: 3, labelled: false);
        request.EvaluationData = place.WriteData("evaluation", count: 400);
        change?.Invoke(request);
    });

    private protected void Begin(PipelineProgress progress) => stages.AddRange(progress.Share == 0 ? [progress.Stage] : []);

    /// <summary>Rewrites the model so that input 0, which hardly counts, is now and then as large as no other; the calibration data has one such sample.</summary>
    private protected void AddOutlier(float outlier = 15)
    {
        const int samples = 256;
        const int inputs = 64;
        Model model = SmallModels.WideMlp();
        Value weight = model.Graph.Initializers.First(value => value.Initializer!.Dimensions is [inputs, _]);
        long[] dimensions = [.. weight.Initializer!.Dimensions];
        weight.Initializer = Tensor.Create(dimensions, weight.Initializer.ToSingles().Select((value, index) => index < dimensions[1] ? value / 1000 : value).ToArray());
        model.Save(place.ModelPath);
        Random random = new(5);
        float[] values = [.. Enumerable.Range(0, samples * inputs).Select(_ => random.NextSingle() * 2 - 1)];
        values[(samples - 1) * inputs] = outlier;
        NumpyWriter.Write(place["outlier/x.npy"], [samples, inputs], values);
    }

    private protected static string Names(OptimizationResult result) => string.Join(", ", result.Search!.Trials.Select(trial => trial.Name));

    private protected static SearchTrial Chosen(OptimizationResult result) => result.Search!.Trials.Single(trial => trial.IsChosen);
}
