using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// Leaves those layers in float that integers make slower, the conversions at their borders included (<see cref="SelectionTime"/>).
/// Starting from all layers in integers, it takes the exclusion that saves most, of one layer, of one with those behind its pooling, or of
/// one connected island, until none saves. Taking whole chains of layers out and back in as well finds selections that are a tenth faster by prediction, and
/// that measured up to a tenth slower on MobileNet: a longer search finds the errors of the prediction.
/// </summary>
internal sealed class FastestSelection
{
    private const string Reason = "integers would make it slower, conversions included";

    private readonly QuantizationCandidates candidates;
    private readonly FloatNodes inFloat;
    private NodeSelection current;
    private double time;

    private FastestSelection(QuantizationCandidates candidates, FloatNodes inFloat)
    {
        this.candidates = candidates;
        this.inFloat = inFloat;
        current = new NodeSelection(candidates, inFloat.Nodes);
        time = SelectionTime.Of(candidates, current);
    }

    /// <summary>The fastest selection found; the layers it leaves out are added to <paramref name="inFloat"/> with the reason.</summary>
    internal static NodeSelection Find(QuantizationCandidates candidates, FloatNodes inFloat)
    {
        FastestSelection search = new(candidates, inFloat);
        while (search.ExcludeBest())
        {
        }

        return search.current;
    }

    private bool ExcludeBest()
    {
        Node[]? best = null;
        double bestTime = time;
        foreach (Node[] group in current.Islands().Where(island => island.Length > 1).Concat(current.Layers.Keys.SelectMany(GroupsOf)))
        {
            double without = SelectionTime.Of(candidates, new NodeSelection(candidates, inFloat.Nodes.Union(group).ToHashSet()));
            if (without < bestTime)
            {
                (best, bestTime) = (group, without);
            }
        }

        if (best is null)
        {
            return false;
        }

        foreach (Node layer in best)
        {
            inFloat.Add(layer, Reason);
        }

        current = new NodeSelection(candidates, inFloat.Nodes);
        time = bestTime;
        return true;
    }

    /// <summary>A layer by itself, and with its readers behind a MaxPool: integers had better begin in front of both or behind both.</summary>
    private IEnumerable<Node[]> GroupsOf(Node layer)
    {
        yield return [layer];
        Value result = current.ResultOf(layer);
        if (result.Uses.Any(use => SelectionTime.IsPooling(use.Node) && current.IsChosenUse(use)))
        {
            yield return [layer, .. current.LayersReading(result)];
        }
    }
}
