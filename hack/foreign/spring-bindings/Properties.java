import java.util.TreeMap;
import org.springframework.boot.Banner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.EnumerablePropertySource;

/**
 * A Spring Boot application that prints, as a JSON object, the OAuth properties that it
 * has got from the service bindings in SERVICE_BINDING_ROOT.
 */
public final class Properties {
    public static void main(String[] args) {
        SpringApplication application = new SpringApplication(Properties.class);
        application.setWebApplicationType(WebApplicationType.NONE);
        application.setBannerMode(Banner.Mode.OFF);
        application.setLogStartupInfo(false);
        ConfigurableEnvironment environment = application.run(args).getEnvironment();
        TreeMap<String, String> found = new TreeMap<>();
        environment.getPropertySources().forEach(source -> {
            if (source instanceof EnumerablePropertySource<?> listed) {
                for (String name : listed.getPropertyNames()) {
                    if (name.startsWith("spring.security.oauth2.")) {
                        found.put(name, environment.getProperty(name));
                    }
                }
            }
        });
        StringBuilder out = new StringBuilder("{");
        found.forEach((name, value) -> out.append(out.length() > 1 ? "," : "").append(quoted(name)).append(":").append(quoted(value)));
        System.out.println(out.append("}"));
    }

    private static String quoted(String text) {
        return "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
    }
}
