using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.MixedPrecision;

namespace ModelBuildTasks.Optimization.Conversion;

/// <summary>
/// Mixed precision: the layers that change a model's outputs most return to float32, until a few calibration samples show an error that is small. Most models need none; where one does, it is
/// often a depthwise convolution whose weights cancel one another, so that what is left of their sum is of the size of what rounding took.
/// </summary>
internal static class Float16Fidelity
{
    /// <summary>Of the worst output, in decibels of signal to noise. It is an error of 1 %: half of 2 %, as samples that are not seen may lose more.</summary>
    private const double LeastFidelity = 40;

    /// <summary>The part of the layers that may return. A model that needs more gains little from float16, and is left to who judges it.</summary>
    private const double LargestShare = 0.25;

    /// <returns>First outputs of the layers that should stay float32; none where there are no samples, or where the model does not run on them.</returns>
    internal static HashSet<string> Losing(Model model, Float16Choice choice, PassContext context)
    {
        if (context.Calibration is null || choice.Half.Count == 0)
        {
            return [];
        }

        try
        {
            if (FidelityProbe.Create(model, context.Calibration, choice.ShapeOf) is not { } probe)
            {
                return [];
            }

            HashSet<string> ruled = [.. choice.Nodes.Where(node => !choice.Half.Contains(node)).Select(node => node.Outputs[0].Name)];
            if (Fidelity([]) >= LeastFidelity)
            {
                return [];
            }

            Node[] layers = [.. choice.Half.Where(Float16Operators.IsLayer)];
            int most = (int)(layers.Length * LargestShare);
            string[] worst = [.. layers.Select(layer => (layer.Outputs[0].Name, Fidelity: FidelityOf(layer))).OrderBy(entry => entry.Fidelity).Take(most).Select(entry => entry.Name)];
            for (int count = 1; count <= worst.Length; count++)
            {
                HashSet<string> returned = [.. worst.Take(count)];
                if (Fidelity(returned) >= LeastFidelity)
                {
                    return returned;
                }
            }

            return [.. worst];

            double Fidelity(HashSet<string> returned)
            {
                Model form = model.Clone();
                Float16Choice half = new(form, context with { Calibration = null });
                half.Return(returned.Union(ruled).ToHashSet());
                Float16Conversion.Rewrite(form, half);
                return Worst(Float16Emulation.Of(form) ?? form);
            }

            double FidelityOf(Node layer)
            {
                Model form = model.Clone();
                Node copy = form.Graph.WithSubgraphs().SelectMany(graph => graph.Nodes).First(node => node.Outputs[0].Name == layer.Outputs[0].Name);
                foreach (Value weight in copy.Inputs.OfType<Value>().Where(input => input.Initializer is { ElementType: ElementType.Float }).Distinct())
                {
                    weight.Initializer = Tensor.Create([.. weight.Initializer!.Dimensions], Array.ConvertAll(weight.Initializer.ToSingles(), number => (float)(Half)number));
                }

                return Worst(form);
            }

            double Worst(Model form)
            {
                context.CancellationToken.ThrowIfCancellationRequested();
                return probe.Measure(form).Parts.Min(part => part.Decibels);
            }
        }
        catch (InferenceException)
        {
            return [];
        }
    }
}
