using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;

namespace ModelBuildTasks.Optimization.Quantization.MixedPrecision;

/// <summary>
/// Returns to float the nodes whose integers cost most accuracy for the time they save. Each node is left out once by itself, which tells the noise
/// that it brings to the outputs; then they are left out one after the other, the best bargain first, and each must prove itself together with those before.
/// </summary>
internal sealed class MixedPrecisionSearch
{
    /// <summary>
    /// Nothing is left to gain above this signal-to-noise ratio: the best class of ResNet-20, whose classes lie close together on photographs, is then
    /// the same for 98.5 % of them.
    /// </summary>
    internal const double Goal = 35;

    /// <summary>
    /// Below, a model is not fit for use, so that accuracy is bought at any price that leaves integers faster: noise is a tenth of what an output says, and
    /// MobileNet's best class changed for a tenth of the photographs, detectors' boxes moved by more than a twentieth.
    /// </summary>
    private const double Floor = 20;

    /// <summary>Between the two, a decibel is worth this share of the time.</summary>
    private const double TimePerDecibel = 0.04;

    /// <summary>Integers must stay faster than float by more than the prediction may be wrong.</summary>
    private const double MostOfFloatTime = 0.95;

    /// <summary>After so many that prove worthless together with the others, those that promised less are not tried.</summary>
    private const int MostFailures = 4;

    /// <summary>Rounds of ranking: what was not worth it may be when its neighbours are in float.</summary>
    private const double SmallestGain = 0.05;

    private readonly CalibratedModel model;
    private readonly FidelityProbe probe;
    private readonly double floatTime;
    private readonly CancellationToken cancellation;
    private State current;

    private MixedPrecisionSearch(CalibratedModel model, FidelityProbe probe, State start, CancellationToken cancellation)
    {
        this.model = model;
        this.probe = probe;
        this.cancellation = cancellation;
        current = start;
        floatTime = SelectionTime.Of(model.Candidates, new NodeSelection(model.Candidates, model.Candidates.Layers.Keys.ToHashSet()));
    }

    /// <summary>The choice with as much more in float as pays, and the noise that is left.</summary>
    /// <exception cref="Inference.InferenceException">A form cannot be run.</exception>
    internal static (QuantizationChoice Choice, OutputNoise Noise) Find(CalibratedModel model, QuantizationChoice start, FidelityProbe probe, CancellationToken cancellation)
    {
        OutputNoise noise = probe.Measure(model.Form(start));
        if (noise.Decibels >= Goal || !model.Candidates.IsForCpu)
        {
            return (start, noise);
        }

        MixedPrecisionSearch search = new(model, probe, new State(start, noise, SelectionTime.Of(model.Candidates, start.Selection)), cancellation);
        model.ObserveAll(start.Selection);
        search.Improve();
        return (search.current.Choice, search.current.Noise);
    }

    private void Improve()
    {
        int failures = 0;
        foreach ((Node node, double decibels) in Ranked())
        {
            if (current.Noise.Decibels >= Goal || failures == MostFailures)
            {
                return;
            }

            if (current.Choice.InFloat.Contains(node))
            {
                continue;
            }

            QuantizationChoice choice = model.Fastest(With(node, decibels));
            State next = StateOf(choice);
            if (IsWorthIt(next))
            {
                current = next;
                failures = 0;
            }
            else
            {
                failures++;
            }
        }
    }

    /// <summary>The chosen nodes that help when they alone are left out, the most decibels for the time first.</summary>
    private IEnumerable<(Node Node, double Decibels)> Ranked()
    {
        State start = current;
        Node[] nodes = [.. start.Choice.Selection.Nodes];
        QuantizationChoice[] choices = [.. nodes.Select(node => model.All(With(node, 0)))];
        State[] states = new State[nodes.Length];
        Parallel.For(0, nodes.Length, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancellation }, i => states[i] = StateOf(choices[i]));
        return nodes
            .Select((node, index) => (Node: node, Decibels: states[index].Noise.Decibels - start.Noise.Decibels, Time: Math.Max(states[index].Time - start.Time, start.Time / 1000)))
            .Where(entry => entry.Decibels > SmallestGain)
            .OrderByDescending(entry => entry.Decibels / entry.Time)
            .ThenBy(entry => entry.Node.Output.Name, StringComparer.Ordinal)
            .Select(entry => (entry.Node, entry.Decibels));
    }

    private bool IsWorthIt(State next)
    {
        double gained = Math.Min(next.Noise.Decibels, Goal) - current.Noise.Decibels;
        double price = (next.Time - current.Time) / current.Time;
        return gained > SmallestGain
            && (price <= gained * TimePerDecibel || (current.Noise.Decibels < Floor && next.Time <= MostOfFloatTime * floatTime));
    }

    private FloatNodes With(Node node, double decibels)
    {
        FloatNodes inFloat = new(current.Choice.InFloat);
        inFloat.Add(node, FormattableString.Invariant($"in integers it would take {decibels:0.0} dB from the signal-to-noise ratio of the outputs"));
        return inFloat;
    }

    private State StateOf(QuantizationChoice choice) =>
        new(choice, probe.Measure(model.Form(choice)), SelectionTime.Of(model.Candidates, choice.Selection));

    private sealed record State(QuantizationChoice Choice, OutputNoise Noise, double Time);
}
