using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Conversion;

/// <summary>
/// Mixed precision: the layers that change a model's outputs most return to float32, until a few calibration samples show an error that is small. Most models need none; where one does, it is
/// often a depthwise convolution whose weights cancel one another, so that what is left of their sum is of the size of what rounding took.
/// </summary>
internal static class Float16Fidelity
{
    /// <summary>Of <see cref="OutputError"/>: half of 2 %, as samples that are not seen may lose more.</summary>
    internal const double MostError = 0.01;

    private const int Samples = 8;

    /// <summary>The part of the layers that may return. A model that needs more gains little from float16, and is left to who judges it.</summary>
    private const double LargestShare = 0.25;

    /// <returns>First outputs of the layers that should stay float32; none where there are no samples, or where the model does not run on them.</returns>
    internal static HashSet<string> Losing(Model model, Float16Choice choice, PassContext context)
    {
        if (context.Calibration is null || choice.Half.Count == 0)
        {
            return [];
        }

        Sample[] samples = [.. context.Calibration.Read().Take(Samples)];
        try
        {
            using ModelSession original = ModelSession.Open(model);
            HashSet<string> ruled = [.. choice.Nodes.Where(node => !choice.Half.Contains(node)).Select(node => node.Outputs[0].Name)];
            if (Error([]) <= MostError)
            {
                return [];
            }

            Node[] layers = [.. choice.Half.Where(Float16Operators.IsLayer)];
            int most = (int)(layers.Length * LargestShare);
            string[] worst = [.. layers.Select(layer => (layer.Outputs[0].Name, Error: ErrorOf(layer))).OrderByDescending(entry => entry.Error).Take(most).Select(entry => entry.Name)];
            for (int count = 1; count <= worst.Length; count++)
            {
                HashSet<string> returned = [.. worst.Take(count)];
                if (Error(returned) <= MostError)
                {
                    return returned;
                }
            }

            return [.. worst];

            double Error(HashSet<string> returned)
            {
                Model form = model.Clone();
                Float16Conversion.Rewrite(form, new Float16Choice(form, context with { Calibration = null }, returned.Union(ruled).ToHashSet()));
                return ErrorOfForm(Float16Emulation.Of(form) ?? form);
            }

            double ErrorOf(Node layer)
            {
                Model form = model.Clone();
                Node copy = form.Graph.WithSubgraphs().SelectMany(graph => graph.Nodes).First(node => node.Outputs[0].Name == layer.Outputs[0].Name);
                foreach (Value weight in copy.Inputs.OfType<Value>().Where(input => input.Initializer is { ElementType: ElementType.Float }).Distinct())
                {
                    weight.Initializer = Tensor.Create([.. weight.Initializer!.Dimensions], Array.ConvertAll(weight.Initializer.ToSingles(), number => (float)(Half)number));
                }

                return ErrorOfForm(form);
            }

            double ErrorOfForm(Model form)
            {
                context.CancellationToken.ThrowIfCancellationRequested();
                using ModelSession session = ModelSession.Open(form);
                double error = OutputError.Worst(original, session, samples);
                return double.IsNaN(error) ? double.PositiveInfinity : error;
            }
        }
        catch (InferenceException)
        {
            return [];
        }
    }
}
