namespace Ddm.Diffusion;

/// <summary>A time of the straight path on a noise schedule.</summary>
/// <param name="Step">n, what the network is fed.</param>
/// <param name="Length">c: x_t / c is what it sees.</param>
/// <param name="Data">1 - t, the data's share of x_t.</param>
public readonly record struct ScheduleMatch(int Step, double Length, double Data);
