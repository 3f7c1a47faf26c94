package cop;

/// What the routes share.
record Backend(CopilotClient copilot, Upstream upstream, Admission admission, ServerLimits limits,
               RequestMeter meter) {
    static Backend of(CopilotClient copilot, ServerLimits limits, RequestMeter meter) {
        return new Backend(copilot, new Upstream(copilot, limits.times().upstream()), new Admission(
                limits.admittance()), limits, meter);
    }
}
