using ModelBuildTasks.Contracts;
using ModelBuildTasks.Evaluation.Budgets;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Worker.Caching;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Recipes;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

/// <summary>A model with labelled data, and searches over recipes for it.</summary>
public abstract class SearchScene : IDisposable
{
    private protected readonly Workplace place = Workplace.With(SmallModels.Cnn());

    private protected string Artifact => place["artifact.onnx"];

    public void Dispose()
    {
        place.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected static Recipe Recipe(params IModelPass[] passes) => new(passes[0].Name, passes);

    private protected static RecipeList Auto(params Recipe[] recipes) => new([], recipes, IsChosenByUser: false);

    private protected static RecipeList Named(Recipe recipe) => new([], [recipe], IsChosenByUser: true);

    private protected Outcome Search(RecipeList list, Action<OptimizationRequest>? change = null, bool hasData = true)
    {
        OptimizationRequest request = place.Request(change);
        using SourceModel source = SourceModel.Load(place.ModelPath);
        Dataset? data = hasData ? Dataset.Open(place.WriteData("evaluation"), source.Session.Inputs) : null;
        CandidateSearch search = new(request, source, TargetProfiles.Cpu, null, data, new Progress<PipelineProgress>(), CancellationToken.None);
        using ShippedForm candidate = new(request, Artifact);
        return search.Run(list, candidate)!;
    }

    /// <summary>The share of samples whose label is another class than the one that a ruined model gives.</summary>
    private protected double LossOfRuin()
    {
        using Inference.ModelSession session = Inference.ModelSession.Open(place.ModelPath);
        return Dataset.Open(place.WriteData("evaluation"), session.Inputs).Read().Average(sample => sample.Label!.Span<long>()[0] == 0 ? 0.0 : 1);
    }

    /// <summary>The findings on what ships, the lack of evaluation data aside.</summary>
    private protected Diagnostic[] Judged(Outcome outcome, Action<OptimizationRequest>? change = null)
    {
        IReadOnlyList<BudgetVerdict> verdicts = BudgetDiagnostics.Judge(place.Request(change), outcome, outcome.ArtifactBytes, DeviceEvidence.None, memoryReason: null);
        return [.. BudgetDiagnostics.Of(place.Request(change), outcome, outcome.ArtifactBytes, verdicts, DeviceEvidence.None).Where(diagnostic => diagnostic.Code != DiagnosticCatalogue.AccuracyNotMeasured.Code)];
    }

    private protected double ShareOfClass0()
    {
        using Inference.ModelSession session = Inference.ModelSession.Open(Artifact);
        Sample[] samples = [.. Dataset.Open(place["evaluation"], session.Inputs).Read()];
        return samples.Average(sample => session.Run(sample.Inputs)[0].Span<float>().IndexOf(1f) == 0 ? 1.0 : 0);
    }
}
