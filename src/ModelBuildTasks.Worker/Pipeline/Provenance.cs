using System.Reflection;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Worker.Caching;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>
/// Where an artifact comes from and what it holds, in its own metadata (<c>metadata_props</c>), so that a file that was passed on can be told: the source, the target, the plan, the types and the version of
/// this tool, and nothing of the machine, its paths or the time. What the source says of itself stays. A source that passes through says nothing of this, and neither does an artifact that
/// these few hundred bytes would make larger than its source; but TensorRT, which refuses types that it is not asked for, is told these always (<see cref="WriteTypes"/>).
/// </summary>
internal static class Provenance
{
    /// <summary>SHA-256 of the source model as in the lock file: with external data, over the role and SHA-256 of each of its files.</summary>
    internal const string Source = ArtifactMetadata.Prefix + "source";

    /// <summary>The target profile.</summary>
    internal const string Target = ArtifactMetadata.Prefix + "target";

    /// <summary>The steps that applied, in order, separated by <see cref="ArtifactMetadata.Separator"/>; empty when none did.</summary>
    internal const string Plan = ArtifactMetadata.Prefix + "plan";

    /// <summary>The version of the package.</summary>
    internal const string Version = ArtifactMetadata.Prefix + "version";

    private static readonly string ToolVersion = typeof(Provenance).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    /// <summary>Writes into a model what it was made of; what an earlier run wrote into its source goes.</summary>
    /// <param name="model">The artifact.</param>
    /// <param name="request">What was asked for.</param>
    /// <param name="target">The profile that it is for.</param>
    /// <param name="steps">What was done.</param>
    /// <param name="sourceBytes">Size of the source. <c>Auto</c> promises nothing larger.</param>
    internal static void Write(Model model, OptimizationRequest request, TargetProfile target, IEnumerable<Step> steps, long sourceBytes)
    {
        Remove(model);
        bool isSmaller = model.StoredBytes <= sourceBytes;
        foreach ((string key, string value) in Of(model, request, steps))
        {
            model.Metadata[key] = value;
        }

        if (isSmaller && model.StoredBytes > sourceBytes)
        {
            Remove(model);
            if (target.KeepsEnginesByName)
            {
                WriteTypes(model);
            }
        }
    }

    /// <summary>Writes into a model what it holds and nothing else; what an earlier run wrote into its source goes.</summary>
    internal static void WriteTypes(Model model)
    {
        Remove(model);
        model.Metadata[ArtifactMetadata.Types] = Types(model);
    }

    /// <summary>Whether a model says exactly what <see cref="Write"/> or <see cref="WriteTypes"/> would have it say, or nothing.</summary>
    internal static bool MayBeOf(Model model, OptimizationRequest request, IEnumerable<Step> steps)
    {
        (string Key, string Value)[] stated = [.. model.Metadata.Where(entry => IsOurs(entry.Key)).Select(entry => (entry.Key, entry.Value))];
        return stated.Length == 0 || stated.SequenceEqual([(ArtifactMetadata.Types, Types(model))]) || stated.SequenceEqual(Of(model, request, steps));
    }

    private static void Remove(Model model)
    {
        foreach (string key in model.Metadata.Keys.Where(IsOurs).ToArray())
        {
            model.Metadata.Remove(key);
        }
    }

    private static bool IsOurs(string key) => key.StartsWith(ArtifactMetadata.Prefix, StringComparison.Ordinal);

    /// <summary>Of inputs and outputs only float16, which a device has to be asked for as for weights of it.</summary>
    private static string Types(Model model)
    {
        Graph[] graphs = [.. model.Graph.WithSubgraphs()];
        IEnumerable<ElementType> types = graphs.SelectMany(graph => graph.Initializers).Select(weight => weight.Initializer!.ElementType)
            .Concat(graphs.SelectMany(graph => graph.Nodes).Where(node => node.OpType == "Constant").Select(node => node.Output.Constant?.ElementType).OfType<ElementType>())
            .Concat(model.Graph.Inputs.Concat(model.Graph.Outputs).Select(value => value.Type?.ElementType).Where(type => type == ElementType.Float16).OfType<ElementType>());
        return string.Join(ArtifactMetadata.Separator, types.Distinct().Select(type => type.ToString()).Order(StringComparer.Ordinal));
    }

    private static (string Key, string Value)[] Of(Model model, OptimizationRequest request, IEnumerable<Step> steps) =>
    [
        (Source, RequestInputs.DigestOfModel(request.Inputs)),
        (Target, request.Target),
        (Plan, string.Join(ArtifactMetadata.Separator, steps.Where(step => step.Applied).Select(step => step.Name))),
        (ArtifactMetadata.Types, Types(model)),
        (Version, ToolVersion),
    ];
}
