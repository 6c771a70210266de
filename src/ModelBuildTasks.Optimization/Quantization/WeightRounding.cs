namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>Turns a layer's weights into integers. <see cref="QuantizedWeight.Nearest"/> is the plain way; others give the same form with other codes.</summary>
/// <param name="layer">The layer in its canonical form (<see cref="Layer.Canonical"/>).</param>
/// <param name="bits">7 or 8.</param>
/// <param name="smallestScales">A lower limit for each output channel's scale, which the bias needs; null for none.</param>
internal delegate QuantizedWeight WeightRounding(Layer layer, int bits, float[]? smallestScales);
