using ModelBuildTasks.Contracts;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Pruning;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Recipes;
using ModelBuildTasks.Worker.Searching;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Searching;

/// <summary>One search over recipes of the test's own, with nothing around it. Its trials end when they are done, whatever the clock says: only the search looks at it.</summary>
internal sealed class SearchUnderTest : IDisposable
{
    private readonly SourceModel source;
    private readonly SearchScene scene;

    /// <param name="place">The model.</param>
    /// <param name="clock">When the time is up.</param>
    /// <param name="prunes">Whether channels may be removed.</param>
    /// <param name="change">What is asked for.</param>
    /// <param name="recipes">The kinds, the best first.</param>
    internal SearchUnderTest(Workplace place, SearchClock clock, bool prunes, Action<OptimizationRequest>? change, params Recipe[] recipes)
    {
        OptimizationRequest request = place.Request(change);
        source = SourceModel.Load(place.ModelPath);
        Dataset samples = Dataset.Open(place.WriteData("evaluation"), source.Session.Inputs);
        Progress<PipelineProgress> progress = new();
        Shipped = new ShippedForm(request, place["artifact.onnx"]);
        CandidateMaker maker = new(request, source, TargetProfiles.Cpu, samples, Shipped);
        Comparison comparison = new(source, TargetProfiles.Cpu, request, samples, progress, CancellationToken.None);
        ShippedSizes sizes = new(request, Shipped, new MemoryStage(request, TargetProfiles.Cpu, progress, CancellationToken.None), CancellationToken.None);
        Workbench bench = new(request, maker, comparison, Shipped, samples, sizes, cache: null);
        RecipeList list = new([], recipes, IsChosenByUser: false) { Prunable = prunes ? new ExcludedLayers([], source.Model) : null };
        AppliedSteps steps = new(TargetProfiles.Cpu, samples, progress, CancellationToken.None);
        AppliedSteps loaded = steps.Branch();
        Shelf = new Shelf(Shipped);
        scene = new SearchScene(maker, list, new PassContext(TargetProfiles.Cpu, samples), loaded, new PreparedForm(maker.Simplify(steps), steps));
        Search = new AutomaticSearch(request, list, bench, comparison, Shelf, clock);
    }

    internal ShippedForm Shipped { get; }

    internal Shelf Shelf { get; }

    internal AutomaticSearch Search { get; }

    internal IReadOnlyList<Trial> Run() => Search.Run(scene);

    public void Dispose()
    {
        Shelf.Dispose();
        Shipped.Dispose();
        source.Dispose();
    }
}
