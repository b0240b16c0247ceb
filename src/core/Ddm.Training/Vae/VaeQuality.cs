namespace Ddm.Training;

/// <summary>How well decoded pictures, of the posteriors' means and rounded to 8 bits, show what was encoded.</summary>
/// <param name="Psnr">10 log10 (255^2 / mean squared error), of the error over all pictures together, dB. 99 where there is no error.</param>
/// <param name="Levels">Mean absolute error, levels of 255.</param>
/// <param name="Pictures">Pictures measured.</param>
public sealed record VaeQuality(double Psnr, double Levels, int Pictures);
